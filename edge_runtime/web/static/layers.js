// The picture, the map above it and the outline above both: three canvases of one size.

const picture = document.getElementById("picture");
const map = document.getElementById("map");
const outline = document.getElementById("outline");
const layers = document.getElementById("layers");

let drawn = false;
let mapImage = null;
let latestMap = null;
let latestField = null;

/** Takes one moment's picture and map, each null if it has not changed. */
export async function draw(moment, jpeg, png) {
  const [pictureImage, newMap] = await Promise.all([
    jpeg && createImageBitmap(jpeg),
    png && createImageBitmap(png),
  ]);
  if (newMap) {
    mapImage?.close();
    mapImage = newMap;
  }
  latestMap = moment.map;
  latestField = moment.field ?? null;
  if (pictureImage) {
    for (const canvas of [picture, map, outline]) {
      if (canvas.width !== pictureImage.width || canvas.height !== pictureImage.height) {
        canvas.width = pictureImage.width;
        canvas.height = pictureImage.height;
      }
    }
    picture.getContext("2d").drawImage(pictureImage, 0, 0);
    pictureImage.close();
    drawn = true;
  }
  if (pictureImage || newMap) {
    drawMap();
    drawOutline();
  }
  layers.classList.toggle("old-map", Boolean(latestMap?.old));
}

/** Whether a picture was drawn; the first moment has none where nobody looked before. */
export function hasPicture() {
  return drawn;
}

/** Shows the map with this much cover, 0 to 1, or hides it. */
export function coverWithMap(shown, opacity) {
  map.style.opacity = shown ? opacity : 0;
  outline.style.visibility = shown ? "visible" : "hidden";
}

/** Draws all that is shown onto a canvas of its own, with lines of text below. */
export function compose(lines) {
  const size = Math.max(14, Math.round(picture.width / 40));
  const result = document.createElement("canvas");
  result.width = picture.width;
  result.height = picture.height + Math.ceil(size * 1.5 * lines.length + size);
  const context = result.getContext("2d");
  context.fillStyle = "#090b0c";
  context.fillRect(0, 0, result.width, result.height);
  context.drawImage(picture, 0, 0);
  if (outline.style.visibility !== "hidden") {
    context.globalAlpha = Number(map.style.opacity || 1);
    context.drawImage(map, 0, 0);
    context.globalAlpha = 1;
    context.drawImage(outline, 0, 0);
  }
  context.font = `${size}px system-ui, sans-serif`;
  context.fillStyle = "#d6d0c4";
  lines.forEach((line, index) => {
    context.fillText(line, size, picture.height + size * 1.5 * (index + 1), result.width - 2 * size);
  });
  return result;
}

function drawMap() {
  const context = map.getContext("2d");
  context.clearRect(0, 0, map.width, map.height);
  if (!latestMap || !mapImage) return;
  const [left, top, right, bottom] = latestMap.place;
  context.imageSmoothingQuality = "high";
  context.drawImage(
    mapImage,
    left * map.width,
    top * map.height,
    (right - left) * map.width,
    (bottom - top) * map.height,
  );
}

function drawOutline() {
  const context = outline.getContext("2d");
  const { width, height } = outline;
  context.clearRect(0, 0, width, height);
  const thin = Math.max(1, width / 500);
  if (latestMap) {
    const [left, top, right, bottom] = latestMap.place;
    const path = new Path2D();
    for (const points of latestMap.outline) {
      for (let index = 0; index < points.length; index += 2) {
        const x = (left + points[index] * (right - left)) * width;
        const y = (top + points[index + 1] * (bottom - top)) * height;
        if (index) path.lineTo(x, y);
        else path.moveTo(x, y);
      }
      path.closePath();
    }
    context.lineJoin = "round";
    context.setLineDash([]);
    context.strokeStyle = "#000";
    context.lineWidth = 3 * thin;
    context.stroke(path);
    context.strokeStyle = "#fff";
    context.lineWidth = thin;
    context.stroke(path);
  }
  drawField(context, width, height, thin);
}

function drawField(context, width, height, thin) {
  if (!latestField) return;
  const [left, top, right, bottom] = latestField;
  if (left <= 0.002 && top <= 0.002 && right >= 0.998 && bottom >= 0.998) return;
  context.setLineDash([4 * thin, 6 * thin]);
  context.strokeStyle = "#a09a8e";
  context.lineWidth = thin;
  const inset = thin / 2;
  const x = Math.max(left * width, inset);
  const y = Math.max(top * height, inset);
  context.strokeRect(
    x,
    y,
    Math.min(right * width, width - inset) - x,
    Math.min(bottom * height, height - inset) - y,
  );
}
